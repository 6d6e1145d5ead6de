import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** Atomic batches, on which every append relies, exist since 2.12. */
export const OLDEST_NATS_SERVER = '2.12.0';

/** 2.12 to 2.14 can lose writes and blocks in ways that 2.15 repairs. */
export const RECOMMENDED_NATS_SERVER = '2.15.0';

/** Printing a version takes milliseconds; a program that takes this long is not nats-server. */
const VERSION_TIMEOUT_MS = 10_000;

/** The version of the nats-server at `path`, such as `2.15.1`, or the reason why we can't use that file. */
export async function checkNatsServer(
  path: string,
): Promise<{ version: string } | { refusal: string }> {
  let output: string;
  try {
    const { stdout } = await promisify(execFile)(path, ['--version'], {
      timeout: VERSION_TIMEOUT_MS,
    });
    output = stdout;
  } catch (error) {
    return { refusal: `can't be run: ${error instanceof Error ? error.message : String(error)}` };
  }
  const version = /^nats-server: v(\d+\.\d+\.\d+)/m.exec(output)?.[1];
  if (version === undefined) return { refusal: 'does not answer --version like a nats-server' };
  if (isOlderVersion(version, OLDEST_NATS_SERVER)) {
    return { refusal: `is ${version}, but atomic batches need ${OLDEST_NATS_SERVER} or later` };
  }
  return { version };
}

/** Whether the dotted version `version` comes before `other`. */
export function isOlderVersion(version: string, other: string): boolean {
  const ours = version.split('.').map(Number);
  const theirs = other.split('.').map(Number);
  const at = ours.findIndex((part, i) => part !== theirs[i]);
  return at !== -1 && (ours[at] ?? 0) < (theirs[at] ?? 0);
}
