import { readFile } from 'node:fs/promises';
import { readArchive } from '#src/runtime/read-archive.ts';
import { archiveOf } from './tar-files.ts';

/** Reads the archive of the given path in a process that does nothing else, and says what that took by the kernel's own word. */
const bytes = await readFile(process.argv[2] ?? '');
// What is loaded and compiled at first use is no cost of this archive.
await readArchive(archiveOf({ path: 'app.py', content: 'print(1)' }));
const before = process.resourceUsage().maxRSS;
const started = performance.now();
const read = await readArchive(bytes);
const ms = performance.now() - started;
const grownKib = process.resourceUsage().maxRSS - before;
const what = read.kind === 'read' ? { kind: read.kind, unpacked: read.unpacked } : read;
process.stdout.write(JSON.stringify({ ...what, grownKib, ms }));
