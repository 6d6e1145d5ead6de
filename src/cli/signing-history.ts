import { type Config, loadConfig } from '../config.ts';
import { AppError } from '../errors.ts';
import { runSequence } from '../events/scalars.ts';
import {
  openExistingSigningDatabase,
  openSigningDatabase,
  type SigningDatabase,
} from '../runtime/signing-db.ts';
import { parseInterchange } from '../runtime/signing-interchange.ts';
import type { Holdings } from '../runtime/signing-records.ts';
import type { SigningIdentity } from '../runtime/signing-schema.ts';
import { exportSigning, importSigning } from '../runtime/signing-transfer.ts';
import { type Command, type Io, JSON_OPTION } from './command.ts';
import { EXIT } from './exit-codes.ts';
import { writeWhole } from './export.ts';
import { KEY_ENVIRONMENT } from './keys-source.ts';
import { readLines } from './read-lines.ts';
import { openHotkey } from './validator/open-chain.ts';

const SETTINGS = [
  'EIREL_SIGNING_DIR',
  'EIREL_CHAIN_GENESIS',
  'EIREL_NETUID',
  ...KEY_ENVIRONMENT,
] as const;

/** Three rows of 180 bytes for each run: a run a day for three hundred years. */
const MAX_HISTORY_BYTES = 64 * 1_024 ** 2;

export const signingHistoryExportCommand: Command = {
  name: 'signing-history export',
  summary: 'Write what this hotkey signed to one file, to move the validator to another machine.',
  arguments: ['file'],
  options: { json: JSON_OPTION },
  details:
    'The validator must be stopped, and must not sign here again: what it signs after this is not in the file. The keys beside the database (log.key, witness.key, seal.key) are not in it either.',
  settings: SETTINGS,
  run: async (input, io) => {
    const file = input.arguments[0] ?? '';
    const { config, identity } = await identityOf(io);
    const dir = config.EIREL_SIGNING_DIR;
    await using database = await openExistingSigningDatabase(dir, identity);
    const text = await exportSigning(identity, database.records);
    await writeWhole(file, (write) => write(Buffer.from(`${text}\n`)));
    const { signed } = await database.records.read();
    io.out(
      input.flag('json')
        ? `${JSON.stringify({ file, rows: signed.length })}\n`
        : `${signed.length} rows in ${file}\n`,
    );
    return EXIT.ok;
  },
};

export const signingHistoryImportCommand: Command = {
  name: 'signing-history import',
  summary: 'Take over what this hotkey signed on another machine.',
  arguments: ['file'],
  options: { json: JSON_OPTION },
  details:
    'Nothing is ever forgotten by it. In runs up to the newest one of the file nothing more is signed than what the rows show, so move a validator between two runs.',
  settings: SETTINGS,
  run: async (input, io) => {
    const file = input.arguments[0] ?? '';
    const { config, identity } = await identityOf(io);
    // Read whole before a database is made for it.
    const imported = parseInterchange(await readInterchange(file), identity);
    await using database = await openSigningDatabase(config.EIREL_SIGNING_DIR, identity);
    const { signed, locks, witnessed } = await importSigning(imported, database.records);
    const added = {
      rows: signed.length,
      checkpoints: locks.length,
      witnessed: witnessed.length,
    };
    io.out(
      input.flag('json')
        ? `${JSON.stringify({ file, ...added })}\n`
        : `added from ${file}: ${added.rows} rows, ${added.checkpoints} checkpoints, ${added.witnessed} witnessed logs\n`,
    );
    return EXIT.ok;
  },
};

export const signingHistoryShowCommand: Command = {
  name: 'signing-history show',
  summary: 'Show what this hotkey signed last, and up to which run it signs nothing more.',
  arguments: [],
  options: { json: JSON_OPTION },
  details: 'The validator must be stopped: it has the database for itself.',
  settings: SETTINGS,
  run: async (input, io) => {
    const { config, identity } = await identityOf(io);
    const dir = config.EIREL_SIGNING_DIR;
    await using database = await openExistingSigningDatabase(dir, identity);
    const shown = await summarize(identity, database);
    io.out(input.flag('json') ? `${JSON.stringify(shown)}\n` : textOf(shown));
    return EXIT.ok;
  },
};

async function identityOf(io: Io): Promise<{ config: Config; identity: SigningIdentity }> {
  const config = loadConfig(io.env);
  const { hotkey } = await openHotkey(config);
  const { EIREL_CHAIN_GENESIS: genesis, EIREL_NETUID: netuid } = config;
  return { config, identity: { genesis, netuid, hotkey } };
}

/** The one line of an exported file. */
async function readInterchange(file: string): Promise<Uint8Array> {
  const lines: (Uint8Array | null)[] = [];
  for await (const { bytes } of readLines(file, MAX_HISTORY_BYTES)) {
    lines.push(bytes);
    if (lines.length > 1) break;
  }
  const [line] = lines;
  if (lines.length !== 1 || !line)
    throw new AppError('input.invalid', {
      field: file,
      expected: `one line of at most ${MAX_HISTORY_BYTES} bytes, as \`eirel signing-history export\` writes it`,
    });
  return line;
}

type Summary = Awaited<ReturnType<typeof summarize>>;

async function summarize(identity: SigningIdentity, { records }: Pick<SigningDatabase, 'records'>) {
  const { signed, locks, witnessed } = await records.read();
  const watermarks = await records.watermarks();
  return {
    ...identity,
    families: familiesOf(signed, watermarks),
    checkpoints: locks.map(({ source, size, root, time }) => ({ source, size, root, time })),
    witnessed: witnessed.map(({ origin, size, root }) => ({ origin, size, root })),
  };
}

function familiesOf(signed: Holdings['signed'], watermarks: ReadonlyMap<string, number>) {
  const byFamily = Map.groupBy(signed, ({ family }) => family);
  return [...byFamily].map(([family, rows]) => {
    const watermark = watermarks.get(family);
    return {
      family,
      rows: rows.length,
      newest: `run-${Math.max(...rows.map(({ run }) => runSequence(run)))}`,
      closedUpTo: watermark === undefined ? null : `run-${watermark}`,
    };
  });
}

function textOf({ genesis, netuid, hotkey, families, checkpoints, witnessed }: Summary): string {
  const lines = [
    `${hotkey} on subnet ${netuid} of ${genesis}`,
    ...families.map(
      ({ family, rows, newest, closedUpTo }) =>
        `${family}: ${rows} rows, the newest of ${newest}; ${closedUpTo === null ? 'nothing was imported' : `nothing more is signed up to ${closedUpTo}`}`,
    ),
    ...checkpoints.map(
      ({ source, size, root, time }) => `${source}: size ${size}, root ${root}, at ${time}`,
    ),
    ...witnessed.map(({ origin, size }) => `cosigned ${origin}: size ${size}`),
  ];
  return `${lines.join('\n')}\n`;
}
