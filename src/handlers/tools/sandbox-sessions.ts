import type { SandboxFile } from './python-sandbox.ts';

/** The files that programs of one job leave to each other under a name. */
export type SandboxSessions = Readonly<{
  /** None for a session that nobody began, or that was not used for a while. */
  read: (job: string, session: string) => readonly SandboxFile[];
  write: (job: string, session: string, files: readonly SandboxFile[]) => void;
}>;

/** As long as the existing service keeps a session that is not used. */
const IDLE_MS = 300_000;

/** All sessions' files together; the ones that were used longest ago make room. */
const MAX_BYTES = 64 * 1024 * 1024;

/** A session without files costs something, too. */
const MAX_SESSIONS = 1_024;

type Session = Readonly<{ files: readonly SandboxFile[]; bytes: number; usedMs: number }>;

/** Sessions in memory. A session belongs to its job: under another job's id the same name is another session. */
export function createSandboxSessions(nowMs: () => number): SandboxSessions {
  const sessions = new Map<string, Session>();
  let total = 0;

  function forget(key: string): void {
    total -= sessions.get(key)?.bytes ?? 0;
    sessions.delete(key);
  }

  /** They lie in the order of their last use. */
  function forgetSome(): void {
    for (const [key, { usedMs }] of sessions) {
      const idle = nowMs() - usedMs >= IDLE_MS;
      if (!idle && total <= MAX_BYTES && sessions.size <= MAX_SESSIONS) return;
      forget(key);
    }
  }

  function keep(key: string, files: readonly SandboxFile[]): void {
    forget(key);
    const bytes = files.reduce((sum, file) => sum + file.bytes.length, 0);
    total += bytes;
    sessions.set(key, { files, bytes, usedMs: nowMs() });
    forgetSome();
  }

  return {
    read: (job, session) => {
      forgetSome();
      const key = keyOf(job, session);
      const { files } = sessions.get(key) ?? { files: [] };
      if (files.length > 0) keep(key, files);
      return files;
    },
    write: (job, session, files) => keep(keyOf(job, session), files),
  };
}

/** A job's id holds no line end. */
function keyOf(job: string, session: string): string {
  return `${job}\n${session}`;
}
