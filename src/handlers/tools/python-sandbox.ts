/** A file of a program's working folder, by its path in it. */
export type SandboxFile = Readonly<{ path: string; bytes: Uint8Array }>;

/** One program and what it may use. */
export type SandboxRun = Readonly<{
  /** Python, run as a file of its own without any package but the standard library. */
  code: string;
  /** Wall clock, from the program's beginning. */
  timeoutMs: number;
  /** Address space of each process, in MiB. */
  memoryMb: number;
  /** What lies in the working folder when it begins. */
  files: readonly SandboxFile[];
}>;

/** A file that lies there at the end; no bytes where the files together are too large. */
export type SandboxOutput = Readonly<{ path: string; size: number; bytes: Uint8Array | null }>;

/** What came of a program. What it did wrong is in here; nothing of it is an exception. */
export type SandboxResult = Readonly<{
  stdout: string;
  stderr: string;
  /** One of the two was longer than what is kept. */
  truncated: boolean;
  /** Negative for the signal that ended it, as Python's `subprocess` has it. */
  exitCode: number;
  timedOut: boolean;
  durationMs: number;
  files: readonly SandboxOutput[];
}>;

/** Runs a program in isolation. Throws `sandbox.unavailable` where the machine can't isolate one (any more). */
export type RunPython = (run: SandboxRun) => Promise<SandboxResult>;
