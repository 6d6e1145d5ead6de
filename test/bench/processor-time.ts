import { readdir, readFile } from 'node:fs/promises';

/** Clock ticks of Linux's accounts of processes: USER_HZ, a hundred on every architecture. */
const TICKS_PER_SECOND = 100;

/**
 * Processor time that a child of this process has taken so far, user and system together, in seconds: the child whose
 * command line holds `words`. NaN where there is none, and on systems without /proc.
 */
export async function processorSeconds(words: string): Promise<number> {
  const pids = await readdir('/proc').catch(() => []);
  for (const pid of pids.filter((name) => /^\d+$/.test(name))) {
    // A process can end while it is looked at.
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
    const fields = stat.slice(stat.lastIndexOf(') ') + 2).split(' ');
    if (Number(fields[PARENT]) !== process.pid) continue;
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    if (command.replaceAll('\0', ' ').includes(words))
      return (Number(fields[USER]) + Number(fields[SYSTEM])) / TICKS_PER_SECOND;
  }
  return Number.NaN;
}

/** Places behind the command's name, as proc(5) has them. */
const PARENT = 1;
const USER = 11;
const SYSTEM = 12;
