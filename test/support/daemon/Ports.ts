/** Where the endpoint of EC2 is found, on 127.0.0.1 inside an island. */
export const gatePort = 4566

/** Where hosts are asked to accept a TCP connection, unless `--tcp-check-port` says otherwise. */
export const checkPort = 22

/** Where the daemon serves, unless `--port` says otherwise. */
export const daemonPort = 33289
