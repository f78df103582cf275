const codes = new Set([
  "EACCES",
  "EADDRNOTAVAIL",
  "EAFNOSUPPORT",
  "EAGAIN",
  "EMFILE",
  "ENETDOWN",
  "ENETUNREACH",
  "ENFILE",
  "ENOBUFS",
  "ENOMEM",
  "EPERM",
])

/** Whether connect(2) failed since this machine, and not the host, was the reason. */
export const isLocalTrouble = ({ code }: NodeJS.ErrnoException): boolean => code !== undefined && codes.has(code)
