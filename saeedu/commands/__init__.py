"""The subcommands of `saeedu`, one file each.

A command's file has `HELP`, `add_arguments(parser)` and `run(arguments)`, which returns the exit
code. What is slow to import, it imports inside `run`, since every file is read to draw the help.
"""
