"""The command line as a tree, what is made of it, and the commands that have no file of their own."""
