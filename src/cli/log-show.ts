import type { LogSource } from '../audit/log-source.ts';
import { withWholeTiles } from '../audit/whole-tiles.ts';
import { cryptoReady, verifySr25519 } from '../chain/hotkey.ts';
import { loadConfig } from '../config.ts';
import { AppError } from '../errors.ts';
import { decodeBytes, type Json } from '../events/ej1.ts';
import {
  type Checkpoint,
  openCheckpoint,
  parseCheckpoint,
  parseOrigin,
} from '../merkle/checkpoint.ts';
import { verifyInclusion } from '../merkle/proof.ts';
import { parseNote } from '../merkle/signed-note.ts';
import { decodeEntries, TILE_WIDTH } from '../merkle/tile.ts';
import { inclusionProof } from '../merkle/tile-proof.ts';
import { hexOf, leafOf } from '../merkle/tree.ts';
import { LOG_HELP, openLogSource } from './audit/open-log-source.ts';
import { type Command, JSON_OPTION, usage } from './command.ts';
import { EXIT } from './exit-codes.ts';
import { printable } from './printable.ts';

export const logShowCommand: Command = {
  name: 'log show',
  summary: 'Show one entry of a published log, and prove that its checkpoint covers it.',
  arguments: ['index'],
  options: {
    from: {
      type: 'string',
      placeholder: 'log',
      help: 'the log; without it, the one that this validator publishes ($EIREL_DATA_DIR)',
    },
    json: JSON_OPTION,
  },
  details: `${LOG_HELP} An entry is shown of a URL or a folder.\n\nExit code 4 when the entry is not under the root that its validator signed.`,
  settings: ['EIREL_DATA_DIR'],
  run: async (input, io) => {
    const index = readIndex(input.arguments[0] ?? '');
    const from = input.value('from') ?? loadConfig(io.env).EIREL_DATA_DIR;
    await using opened = await openLogSource(from, io);
    const shown = await showEntry(withWholeTiles(opened.source), index);
    io.out(input.flag('json') ? `${JSON.stringify(shown)}\n` : describe(shown));
    return EXIT.ok;
  },
};

function readIndex(text: string): number {
  if (/^(0|[1-9][0-9]{0,14})$/.test(text)) return Number(text);
  const expected = 'the number of an event, from 0';
  throw usage(logShowCommand, { field: 'index', value: text, expected });
}

type Shown = Readonly<{
  index: number;
  leaf: string;
  event: Json;
  checkpoint: Readonly<{ origin: string; size: number; root: string }>;
}>;

/** Reads one entry and proves it. Throws `checkpoint.invalid` where it is not in the log, `input.invalid` beyond its end. */
async function showEntry(source: LogSource, index: number): Promise<Shown> {
  await cryptoReady();
  const { origin, size, root } = await openSigned(source);
  if (index >= size)
    throw new AppError('input.invalid', {
      field: 'index',
      value: index,
      expected: `below ${size}, which the checkpoint of ${source.name} covers`,
    });
  const payload = await readPayload(source, index, size);
  const leaf = leafOf(payload);
  const proof = await inclusionProof({ index, size }, async (level, at, width) =>
    required(await source.tile(level, at, width), `a hash tile of level ${level}`),
  );
  if (!verifyInclusion({ leaf, index, size, proof, root }))
    throw new AppError('checkpoint.invalid', {
      field: `entry ${index}`,
      found: `leaf ${hexOf(leaf)}, which is not under the root ${hexOf(root)}`,
      next: 'eirel audit log names everything that is wrong with a log',
    });
  return {
    index,
    leaf: hexOf(leaf),
    event: decodeBytes(payload),
    checkpoint: { origin, size, root: hexOf(root) },
  };
}

/** The checkpoint, under the signature of the hotkey that its log is named by. */
async function openSigned(source: LogSource): Promise<Checkpoint> {
  const note = required(await source.checkpoint(), 'a checkpoint');
  const { origin } = parseCheckpoint(parseNote(note).text);
  const opened = openCheckpoint(note, {
    hotkey: parseOrigin(origin)?.hotkey ?? '',
    verify: verifySr25519,
  });
  if (opened.kind === 'refused')
    throw new AppError('checkpoint.invalid', { field: 'checkpoint', found: opened.detail });
  return opened.checkpoint;
}

async function readPayload(source: LogSource, index: number, size: number): Promise<Uint8Array> {
  const bundle = Math.floor(index / TILE_WIDTH);
  const width = Math.min(TILE_WIDTH, size - bundle * TILE_WIDTH);
  const bytes = required(await source.entries(bundle, width), `bundle ${bundle} of entries`);
  return required(decodeEntries(bytes)[index % TILE_WIDTH] ?? null, `entry ${index}`);
}

function required<T>(found: T | null, what: string): T {
  if (found === null)
    throw new AppError('checkpoint.invalid', { found: 'nothing', expected: what });
  return found;
}

function describe({ index, leaf, event, checkpoint: { origin, size, root } }: Shown): string {
  const text = JSON.stringify(event, null, 2).split('\n').map(printable);
  return `${[
    `entry ${index} of ${origin}`,
    ...text,
    `leaf ${leaf}`,
    `proved: it is in the tree of ${size} events with root ${root}, which its validator signed`,
  ].join('\n')}\n`;
}
