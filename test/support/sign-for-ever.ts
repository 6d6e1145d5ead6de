import { sha256 } from '#src/events/hash.ts';
import { openSigningDatabase } from '#src/runtime/signing-db.ts';
import { IDENTITY } from './signing-identity.ts';

/**
 * A process that reserves a report, moves the lock and moves what it witnessed, again and again, and names
 * each number that all three resolved for, until it is killed.
 */
const { history, lock, witnessState } = await openSigningDatabase(process.argv[2] ?? '', IDENTITY);
const at = (size: number) => ({ size, root: sha256(`root ${size}`), note: `note ${size}` });
const time = '2026-01-01T00:00:00.000Z';
await lock.begin({ source: 'log', time, ...at(0) });
await witnessState.advance(null, { origin: 'peer', ...at(0) });
for (let size = 1; ; size++) {
  const slot = { kind: 'report', family: 'general_chat', run: `run-${size}` } as const;
  const results = [
    await history.reserve(slot, sha256(`report ${size}`)),
    await lock.advance(
      { source: 'log', time, ...at(size - 1) },
      { source: 'log', time, ...at(size) },
    ),
    await witnessState.advance(
      { origin: 'peer', ...at(size - 1) },
      { origin: 'peer', ...at(size) },
    ),
  ];
  process.stdout.write(`${size} ${JSON.stringify(results)}\n`);
}
