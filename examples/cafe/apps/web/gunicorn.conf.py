"""The configuration of gunicorn, which reads this file from its working directory."""

workers = 2
accesslog = "-"

# The control socket would be in the home directory: the image's user has none, and two servers on
# one machine would share it.
control_socket_disable = True
