import { createFairShelf } from './fair-shelf.ts';
import type { SandboxFile } from './python-sandbox.ts';

/** The files that programs of one job leave to each other under a name. */
export type SandboxSessions = Readonly<{
  /** None for a session that nobody began, or that was not used for a while. */
  read: (job: string, session: string) => readonly SandboxFile[];
  write: (job: string, session: string, files: readonly SandboxFile[]) => void;
}>;

/** As long as the existing service keeps a session that is not used. */
const IDLE_MS = 300_000;

/** All sessions' files together. */
const MAX_BYTES = 64 * 1024 * 1024;

/** A session without files costs something, too: there are a thousand at most. */
const SESSION_BYTES = 64 * 1024;

/** Sessions in memory. A session belongs to its job: under another job's id the same name is another session. */
export function createSandboxSessions(nowMs: () => number): SandboxSessions {
  const sessions = createFairShelf<readonly SandboxFile[]>(MAX_BYTES, nowMs);
  return {
    read: (job, session) => {
      sessions.forgetBefore(nowMs() - IDLE_MS);
      return sessions.take(job, session) ?? [];
    },
    write: (job, session, files) => {
      sessions.forgetBefore(nowMs() - IDLE_MS);
      const bytes = files.reduce((sum, file) => sum + file.bytes.length, SESSION_BYTES);
      sessions.put(job, session, files, bytes);
    },
  };
}
