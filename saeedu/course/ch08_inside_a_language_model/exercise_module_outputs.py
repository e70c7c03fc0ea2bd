"""Exercise 08.module_outputs: hooks on any PyTorch network."""
# ruff: noqa: D103 - wrong and alternative answers are named by what they do

from __future__ import annotations

import contextlib
import functools
from typing import Any

import torch

from saeedu import module_hooks
from saeedu.course.ch08_inside_a_language_model import draws
from saeedu.course.ch08_inside_a_language_model.network_facts import outputs_and_what_is_left
from saeedu.grading.exercise import Check, Exercise, Mistake


def read(network, names, x, keep, key=lambda name: name):
    """A right frame: hooks are set and removed; `keep` says what is kept of a call."""
    seen = {}

    def hook(name, module, inputs, output):
        seen[key(name)] = keep(inputs, output)

    with contextlib.ExitStack() as stack:
        for name in names:
            module = network.get_submodule(name)
            handle = module.register_forward_hook(functools.partial(hook, name))
            stack.callback(handle.remove)
        with torch.no_grad():
            network(x)
    return seen


def copied(inputs, output):
    return output.detach().clone()


def inputs_kept(network, names, x):
    return read(network, names, x, lambda inputs, output: inputs[0].clone())


def not_copied(network, names, x):
    return read(network, names, x, lambda inputs, output: output.detach())


def gradients_kept(network, names, x):
    seen, handles = {}, []
    for name in names:
        hook = functools.partial(lambda n, m, i, o: seen.update({n: o.clone()}), name)
        handles.append(network.get_submodule(name).register_forward_hook(hook))
    try:
        network(x)
    finally:
        for handle in handles:
            handle.remove()
    return seen


def never_removed(network, names, x):
    seen = {}

    def hook(name, module, inputs, output):
        seen[name] = output.detach().clone()

    for name in names:
        network.get_submodule(name).register_forward_hook(functools.partial(hook, name))
    with torch.no_grad():
        network(x)
    return seen


def left_after_an_error(network, names, x):
    seen = {}

    def hook(name, module, inputs, output):
        seen[name] = output.detach().clone()

    handles = [
        network.get_submodule(name).register_forward_hook(functools.partial(hook, name))
        for name in names
    ]
    with torch.no_grad():
        network(x)
    for handle in handles:
        handle.remove()
    return seen


def only_the_last_removed(network, names, x):
    seen, handle = {}, None

    def hook(name, module, inputs, output):
        seen[name] = output.detach().clone()

    for name in names:
        handle = network.get_submodule(name).register_forward_hook(functools.partial(hook, name))
    try:
        with torch.no_grad():
            network(x)
    finally:
        if handle is not None:
            handle.remove()
    return seen


def all_under_the_last_name(network, names, x):
    return read(network, names, x, copied, key=lambda name: names[-1])


def error_swallowed(network, names, x):
    try:
        return read(network, names, x, copied)
    except RuntimeError:
        return {}


def short_names(network, names, x):
    return read(network, names, x, copied, key=lambda name: name.split(".")[-1])


def a_list(network, names, x):
    return list(read(network, names, x, copied).values())


def the_networks_own_output(network, names, x):
    with torch.no_grad():
        return {name: network(x) for name in names}


def the_module_on_the_networks_input(network, names, x):
    stream = network.embed(x).detach()
    return {
        name: (
            network.get_submodule(name)(x if name == "embed" else stream.clone()).detach().clone()
        )
        for name in names
    }


def averaged_over_the_batch(network, names, x):
    return read(network, names, x, lambda inputs, output: output.mean(dim=0))


def as_numpy(network, names, x):
    return read(network, names, x, lambda inputs, output: output.clone().numpy())


def what_changed(network, names, x):
    def change(inputs, output):
        return output - inputs[0] if output.shape == inputs[0].shape else output.clone()

    return read(network, names, x, change)


def hook_returns_its_copy(network, names, x):
    seen = {}

    def hook(name, module, inputs, output):
        seen[name] = output.detach().clone()
        return seen[name]

    with contextlib.ExitStack() as stack:
        for name in names:
            module = network.get_submodule(name)
            stack.callback(module.register_forward_hook(functools.partial(hook, name)).remove)
        with torch.no_grad():
            network(x)
    return seen


def children_in_a_row(network, names, x):
    seen = {}
    with torch.no_grad():
        for name, module in network.named_children():
            x = module(x)
            seen[name] = x.clone()
    return {name: seen[name] for name in names}


def left_in_eval_mode(network, names, x):
    network.eval()
    return read(network, names, x, copied)


def parameters_frozen(network, names, x):
    network.requires_grad_(False)
    return read(network, names, x, copied)


def gradients_switched_off(network, names, x):
    torch.set_grad_enabled(False)
    return read(network, names, x, copied)


def all_hooks_cleared(network, names, x):
    seen = read(network, names, x, copied)
    for module in network.modules():
        module._forward_hooks.clear()
    return seen


def set_outside_the_try(network, names, x):
    seen, handles = {}, []

    def hook(name, module, inputs, output):
        seen[name] = output.detach().clone()

    for name in names:
        module = network.get_submodule(name)
        handles.append(module.register_forward_hook(functools.partial(hook, name)))
    try:
        with torch.no_grad():
            network(x)
    finally:
        for handle in handles:
            handle.remove()
    return seen


def missing_name_passed_over(network, names, x):
    there = [name for name, _ in network.named_modules() if name in names]
    return read(network, there, x, copied)


def removed_inside_the_hook(network, names, x):
    seen = {}
    handles: dict[str, Any] = {}

    def hook(name, module, inputs, output):
        seen[name] = output.detach() * 1
        handles.pop(name).remove()

    try:
        for name in names:
            module = network.get_submodule(name)
            handles[name] = module.register_forward_hook(functools.partial(hook, name))
        with torch.inference_mode(False), torch.no_grad():
            network(x)
    finally:
        for handle in handles.values():
            handle.remove()
    return seen


def by_a_global_hook(network, names, x):
    wanted = {id(network.get_submodule(name)): name for name in names}
    seen = {}

    def hook(module, inputs, output):
        if id(module) in wanted:
            seen[wanted[id(module)]] = output.detach().clone()

    handle = torch.nn.modules.module.register_module_forward_hook(hook)
    try:
        with torch.no_grad():
            network(x)
    finally:
        handle.remove()
    return seen


def by_replacing_forward(network, names, x):
    seen = {}
    modules = {name: network.get_submodule(name) for name in names}

    def spy(name, forward):
        def forward_and_tell(*args):
            output = forward(*args)
            seen[name] = output.detach().clone()
            return output

        return forward_and_tell

    for name, module in modules.items():
        module.forward = spy(name, module.forward)
    try:
        with torch.no_grad():
            network(x)
    finally:
        for module in modules.values():
            del module.forward
    return seen


EXERCISE = Exercise(
    id="08.module_outputs",
    title="Hooks on any network",
    reference=module_hooks.module_outputs,
    minutes=15,
    difficulty=3,
    hints=(
        "Make an empty dict. For each name, hang a function on the module that writes the module's "
        "output into the dict. Then run the network once. What must be true of the network "
        "afterwards?",
        "A hook is called with three things: the module, a tuple of its inputs, and its output. It "
        "does not know its name: make the hook inside a function that takes the name, or all "
        "hooks will use the loop's last one.",
        "`register_forward_hook` returns a handle; keep them all in a list. Set the hooks and run "
        "the network in `try: ...`, since a wrong name raises too, and remove each handle in "
        "`finally: ...`. Of the output keep `.detach().clone()`, and let the hook return nothing.",
    ),
    check=Check(
        draws.networks,
        tested="modules in modules, changes in place, gradients, and that the network is as it "
        "was: hooks, modes and parameters, also when it raises or a name is wrong",
        observe=outputs_and_what_is_left,
    ),
    mistakes=(
        Mistake(
            inputs_kept,
            "You kept what went into the module. The hook's third argument is what came out.",
        ),
        Mistake(
            not_copied,
            "One of your tensors has changed since: a later operation wrote into it in place. "
            "Without `.clone()`, you hold the same memory as the network.",
        ),
        Mistake(
            hook_returns_its_copy,
            "Your hook returns a tensor. What a hook returns, unless it is None, takes the place "
            "of the module's output, and the network goes on with it. Let the hook return nothing.",
        ),
        Mistake(
            children_in_a_row,
            "You call the network's children one after the other, and one of them is a "
            "`ModuleList`, which cannot be called. Only the network's own `forward` knows what "
            "runs when: set hooks, and call `network(x)`.",
        ),
        Mistake(
            gradients_kept,
            "Your outputs still carry gradients, and with them every tensor that the network made. "
            "A hundred batches later memory is full. Use `torch.no_grad()` or `.detach()`.",
        ),
        Mistake(
            never_removed,
            "Your hooks stay in the network. Every later run calls them, and running your cell "
            "again adds more. Each handle has `.remove()`.",
        ),
        Mistake(
            left_after_an_error,
            "When the network raises, your hooks stay in it: the lines that remove them are never "
            "reached. Put them into a `finally`.",
        ),
        Mistake(
            set_outside_the_try,
            "A wrong name raises before your `try` begins, and the hooks of the names before it "
            "stay. Set the hooks inside the `try`, or look all modules up before you set any.",
        ),
        Mistake(
            missing_name_passed_over,
            "A name that the network does not have is passed over, and nobody learns of the "
            "misspelling. `network.get_submodule(name)` raises.",
        ),
        Mistake(
            all_hooks_cleared,
            "You removed every hook in the network, those of others too. Remove your own, each by "
            "its handle.",
        ),
        Mistake(
            left_in_eval_mode,
            "Modules are in another mode (train or eval) than before: `.eval()` and `.train()` "
            "reach every module and stay. Leave the modes alone; whoever calls has chosen them.",
        ),
        Mistake(
            parameters_frozen,
            "You switched `requires_grad` on the parameters, and whoever trains this network next "
            "trains other ones. `with torch.no_grad():` ends by itself, and so does `.detach()`.",
        ),
        Mistake(
            gradients_switched_off,
            "Gradients stay switched off, for everything that PyTorch does after you. As a block, "
            "`with torch.no_grad():`, it ends by itself, also after an error.",
        ),
        Mistake(
            error_swallowed,
            "When the network raises, you catch it, and whoever called gets an empty dict. Clean "
            "up in a `finally`, without an `except`, and let the error out.",
        ),
        Mistake(
            only_the_last_removed,
            "You removed one hook, the last. Each has its own handle: keep them in a list.",
        ),
        Mistake(
            all_under_the_last_name,
            "All outputs are under the last name. A function made in a loop looks the loop's "
            "variable up when it is *called*, and by then the loop is over. Make it in a function "
            "that takes the name.",
        ),
        Mistake(
            short_names,
            "You cut the names at the dot. Two blocks each have an `attn`: keep the names as they "
            "were given.",
        ),
        Mistake(
            a_list,
            "You returned a list. Return a dict from each name to its output.",
        ),
        Mistake(
            the_networks_own_output,
            "This is what the whole network returns, under every name. What is wanted is what the "
            "modules inside return on the way.",
        ),
        Mistake(
            the_module_on_the_networks_input,
            "You called the module yourself, on an input that it does not have in the network. Let "
            "the network run, and listen.",
        ),
        Mistake(
            averaged_over_the_batch,
            "You averaged over the batch. Keep the output as it is.",
        ),
        Mistake(
            as_numpy,
            "You returned NumPy arrays. Keep tensors: what comes next is PyTorch.",
        ),
        Mistake(
            what_changed,
            "You subtracted the input. Whether that is what a module added depends on the network: "
            "keep what the module returned.",
        ),
    ),
    alternatives=(removed_inside_the_hook, by_a_global_hook, by_replacing_forward),
    why="With these lines you can read any PyTorch model, whether or not a library knows it.",
)
