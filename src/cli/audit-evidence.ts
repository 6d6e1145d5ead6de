import { isUtf8 } from 'node:buffer';
import { readFile } from 'node:fs/promises';
import { checkEvidence, type EvidenceCheck } from '../audit/evidence.ts';
import { EXPLANATIONS, type Refused, refused } from '../audit/evidence-form.ts';
import { blake2b256 } from '../chain/blake2b.ts';
import { cryptoReady, isSs58, verifySr25519 } from '../chain/hotkey.ts';
import { loadConfig } from '../config.ts';
import { AppError } from '../errors.ts';
import { MAX_EVIDENCE_LENGTH } from '../events/evidence.ts';
import { type Command, type Input, type Io, JSON_OPTION, usage, wholeNumber } from './command.ts';
import { EXIT } from './exit-codes.ts';
import { sizeOfFile } from './read-lines.ts';

export const auditEvidenceCommand: Command = {
  name: 'audit evidence',
  summary:
    'Check an evidence file, offline: exit code 0 when it proves a misdeed, 4 when it does not.',
  arguments: ['file'],
  options: {
    genesis: {
      type: 'string',
      help: 'hash of block 0 of the network, 64 hex digits ($EIREL_CHAIN_GENESIS)',
      placeholder: 'hash',
    },
    netuid: { type: 'string', help: 'the subnet ($EIREL_NETUID)', placeholder: 'number' },
    hotkey: {
      type: 'string',
      help: 'whom it has to accuse; for two rosters the owner, who is known no other way',
      placeholder: 'ss58',
    },
    json: JSON_OPTION,
  },
  details:
    'Nothing but the public key in the file is needed: two statements that one hotkey signed, and no honest one signs both of. docs/protocol.md says for each kind when they are.',
  settings: ['EIREL_CHAIN_GENESIS', 'EIREL_NETUID'],
  run: async (input, io) => {
    const asked = askedOf(input, io);
    const text = await readEvidence(input.arguments[0] ?? '');
    await cryptoReady();
    const check = typeof text === 'string' ? checkFor(text, asked) : text;
    io.out(input.flag('json') ? `${JSON.stringify(jsonOf(check))}\n` : describe(check));
    return check.kind === 'proved' ? EXIT.ok : EXIT.mismatch;
  },
};

type Asked = Readonly<{ genesis: string; netuid: number; hotkey: string | null }>;

function askedOf(input: Input, io: Io): Asked {
  const config = loadConfig(io.env);
  const genesis = (input.value('genesis') ?? config.EIREL_CHAIN_GENESIS).replace(/^0x/, '');
  if (!/^[0-9a-f]{64}$/.test(genesis))
    throw fault('--genesis', genesis, '64 lower-case hex digits');
  const netuid = wholeNumber(
    auditEvidenceCommand,
    'netuid',
    input.value('netuid'),
    config.EIREL_NETUID,
  );
  const hotkey = input.value('hotkey') ?? null;
  if (hotkey !== null && !isSs58(hotkey))
    throw fault('--hotkey', hotkey, 'an ss58 address with prefix 42 and a valid checksum');
  return { genesis, netuid, hotkey };
}

function fault(field: string, value: string, expected: string): AppError {
  return usage(auditEvidenceCommand, { field, value, expected });
}

/** A character takes at most three bytes in UTF-8, and an editor may have added an end of line. */
const MAX_FILE_BYTES = 3 * MAX_EVIDENCE_LENGTH + 1;
const TOO_LARGE = `more than ${MAX_EVIDENCE_LENGTH} characters`;

/** The text of the file, without the end of line that an editor adds; or why there is none. */
async function readEvidence(file: string): Promise<string | Refused> {
  if ((await sizeOfFile(file)) > MAX_FILE_BYTES) return refused('too-large', TOO_LARGE);
  const bytes = await readFile(file).catch((cause: unknown) => {
    throw new AppError('file.unreadable', { file, expected: 'a readable file' }, { cause });
  });
  if (!isUtf8(bytes)) return refused('not-canonical', 'bytes that are no UTF-8');
  return bytes.toString('utf8').replace(/\n$/, '');
}

function checkFor(text: string, { genesis, netuid, hotkey }: Asked): EvidenceCheck {
  const check = checkEvidence(text, {
    verify: verifySr25519,
    blake2b256,
    genesis,
    netuid,
    ownerHotkey: hotkey,
  });
  if (check.kind === 'refused' || hotkey === null || check.evidence.hotkey === hotkey) return check;
  return refused('different-hotkeys', `it accuses ${check.evidence.hotkey}, not ${hotkey}`);
}

function jsonOf(check: EvidenceCheck) {
  if (check.kind === 'refused') return check;
  return { ...check, evidence: { ...check.evidence, means: EXPLANATIONS[check.evidence.kind] } };
}

function describe(check: EvidenceCheck): string {
  if (check.kind === 'refused') return `proves nothing: ${check.reason}: ${check.detail}\n`;
  const { kind, hotkey, run, family, digest, summary, says } = check.evidence;
  const where = family === null ? run : `${family}/${run}`;
  return [
    `proved: ${summary}`,
    '',
    `kind     ${kind}`,
    `hotkey   ${hotkey}`,
    `run      ${where ?? 'none: it is about the log'}`,
    `digest   ${digest}`,
    `first    ${says[0]}`,
    `second   ${says[1]}`,
    '',
    EXPLANATIONS[kind],
    '',
  ].join('\n');
}
