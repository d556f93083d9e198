"""`study chaos`: a small study disturbed for real, again and again, and held against the same study undisturbed.

    faults/<kind>.py   what is done to it: a folder that is the list of kinds
    nodes.py           a cluster made for the purpose, whose nodes can be killed and cut off
    launching.py       `study launch` as a process, with all that it starts
    watching.py        which units are under way, read from the store
    playing.py         one run, from the launch to the verdict
    verdict.py         what must hold afterwards
    runs.py            the table of verdicts: what makes it resumable

Run i of a kind and a seed is determined by the three; what was not finished is made anew.
"""
