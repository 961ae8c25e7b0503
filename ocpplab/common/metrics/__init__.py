"""What a process tells about itself: counters for Prometheus, and whether it lives and is ready.

Whatever is counted often is counted in plain numbers by the thread that it happens in, and put into words only when
somebody asks (`registry.Source`): a label look-up of the client library for each message would cost more than the
message's own bookkeeping.
"""
