import { auditLog } from '#src/audit/audit-log.ts';
import { blake2b256 } from '#src/chain/blake2b.ts';
import { cryptoReady, verifySr25519 } from '#src/chain/hotkey.ts';
import { directoryLog } from '#src/cli/audit/directory-log.ts';

// A process of its own, so that its memory is the audit's alone: it audits the log in the folder that it is given.
const [folder = ''] = process.argv.slice(2);
await cryptoReady();
const source = await directoryLog(folder);
const nobody = { hotkey: null, genesis: null, netuid: null, ownerHotkey: null, claims: [] };
const start = performance.now();
const { size, faults, rules } = await auditLog(source, nobody, {
  verify: verifySr25519,
  blake2b256,
});
const seconds = (performance.now() - start) / 1_000;
const { maxRSS } = process.resourceUsage();
process.stdout.write(JSON.stringify({ size, seconds, maxRSS, faults, decisions: rules.decisions }));
