"""Being a service: systemd, the journal, the control socket."""
