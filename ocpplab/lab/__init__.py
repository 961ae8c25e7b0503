"""Everything in one command: `manage.py lab` starts the servers and processes of a lab, watches and stops them.

`options` what was asked · `state` what is kept between starts · `plan` the table of processes · `console` their logs ·
`supervisor` their lives · `session` one run from start to stop · `prepare` and `opening` what needs the database and
the API, run as children of their own so that the supervisor itself needs neither.
"""
