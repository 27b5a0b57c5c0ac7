"""Stand-in servers: one small Flask app a vendor, in a module of its name, that answers as its documentation says.

`catalog` finds them; `mount` puts several below one address and brings trouble; `server` and `adapter` are the two ways
to reach them, over loopback and in memory. There is no list to edit.
"""
