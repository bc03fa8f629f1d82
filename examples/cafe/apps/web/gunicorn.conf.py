"""How gunicorn serves, wherever it is started from this directory."""

workers = 2
accesslog = "-"

# Its socket would lie in the home directory: the image's user has none, and two servers on one
# machine would share it.
control_socket_disable = True
