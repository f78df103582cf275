/**
 * A program to start another one behind: for it, the folder is a file system that never answers, as a network mount whose
 * server has gone. Whoever asks for a file there waits, and can be killed. Only that program sees it.
 */
export const behindDeadMount = (folder: string): ReadonlyArray<string> => [
  "unshare",
  "--mount",
  "sh",
  "-c",
  // A FUSE file system whose server, whoever holds descriptor 7, says nothing.
  `exec 7<>/dev/fuse || { echo "This test needs root and /dev/fuse: modprobe fuse" >&2; exit 1; }
   mount -i -t fuse -o fd=7,rootmode=40000,user_id=0,group_id=0 dead "$0" && exec "$@"`,
  folder,
]
