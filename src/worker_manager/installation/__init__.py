"""How the plugin lies on this machine: its files, and the packages of its own environment. Standard
library only: what is here runs before anything is installed.
"""
