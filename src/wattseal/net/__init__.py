"""What serving and dialling share: sockets, and the OCPP conversation over one."""
