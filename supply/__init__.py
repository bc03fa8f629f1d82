"""Tools for the packages that predeploy is made of and installs: their list in the wheel, and their audit."""
