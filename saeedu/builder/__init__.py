"""From a chapter's lesson and exercises to its notebooks; `saeedu.build` is the door."""
