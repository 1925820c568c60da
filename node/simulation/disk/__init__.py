"""The disk of one simulated machine, on which real SQLite runs and which loses what was not synced.

What is modelled:

- A file is what processes see (the kernel's cache) and what the disk holds. Only a sync brings the second to the first.
- A power cut keeps what was synced and, of the writes and truncations since, what a `Random` draws: the first few, or
  any of them but none that follows a lost truncation. A write may be torn between sectors of 512 bytes. A sector that
  was not written stays what it was; one beyond the old end reads as zeros.
- Names of files (made, renamed, removed) are on disk after a sync of their directory, whatever becomes of the files.
  A power cut keeps the first few of the changes since, in their order, as file systems with a journal do.
- A killed process loses nothing that it had written: the kernel has it, synced or not, and its locks are released.
- A full disk refuses to let files grow; what lies inside of them can be written.
- A failing sync reports an error, once for the writes before it: some of them are on disk and some never will be,
  though processes go on seeing them and a later sync succeeds. (So Linux does it.)
- A failing read reports an error.

What is not: directories themselves, owners and modes, links, time stamps, latency, a disk that lies about its syncs.

SQLite is apsw's own copy, with a file system in Python under it (`vfs`). That has no shared memory, so a database in
WAL mode is held exclusively, with its index in the process's heap: a second opener, also one that only wants to read,
finds the database in use. What is written and synced, and when, is as with the standard library's SQLite.
"""
