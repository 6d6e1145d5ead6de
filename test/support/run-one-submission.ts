import { startLimited } from '#src/cluster/process/limited-child.ts';

/** Starts a child that writes its process id into a file of the given folder and lives for ever; then waits for its end. */
const folder = process.argv[2] ?? '.';
const program = `require('node:fs').writeFileSync('pid', String(process.pid)); setInterval(() => {}, 1e6)`;
const { ended } = await startLimited({
  program: process.execPath,
  args: ['-e', program],
  folder,
  environment: {},
  limits: { cpuSeconds: 60, memoryBytes: 1_024 * 1_024 * 1_024, fileBytes: 1_024 * 1_024 },
});
await ended;
