import { once } from 'node:events';
import { cryptoReady } from '../chain/hotkey.ts';
import { type Devchain, startDevchain } from '../devchain/devchain.ts';
import { faultHelp } from '../devchain/faults.ts';
import { readGenesis } from '../devchain/genesis.ts';
import { type Command, type Io, JSON_OPTION, usage, wholeNumber } from './command.ts';
import { EXIT } from './exit-codes.ts';
import { genesisFor, stakeOf } from './subnet/cast.ts';

/** Blocks and finality as lively as the fast mode of a local subtensor. */
const BLOCK_MS = 250;
const FINALITY_LAG = 2;

/** Often enough to see it live, seldom enough to read. */
const HEADS_EVERY_MS = 5_000;

export const devchainCommand: Command = {
  name: 'devchain',
  summary:
    "Run a development chain that speaks Substrate's JSON-RPC, and fails on demand, until stopped.",
  arguments: [],
  options: {
    genesis: { type: 'string', placeholder: 'file', help: 'the subnet that it starts with' },
    example: { type: 'boolean', help: "print the local subnet's genesis, to start from, and end" },
    port: { type: 'string', placeholder: 'n', help: 'on 127.0.0.1; otherwise a free one' },
    'block-ms': {
      type: 'string',
      placeholder: 'ms',
      help: `real time between blocks, 0: only on demand (default ${BLOCK_MS})`,
    },
    finality: {
      type: 'string',
      placeholder: 'blocks',
      help: `how far finality is behind (default ${FINALITY_LAG})`,
    },
    json: { ...JSON_OPTION, help: 'print its address and genesis hash as JSON' },
  },
  details: `Over the same WebSocket it takes, from anybody on this machine:\n${faultHelp()}`,
  run: async (input, io) => {
    if (input.flag('example')) {
      await cryptoReady();
      io.out(`${JSON.stringify(genesisFor(stakeOf()), null, 2)}\n`);
      return EXIT.ok;
    }
    const file = input.value('genesis');
    if (file === undefined)
      throw usage(devchainCommand, {
        field: '--genesis',
        value: 'nothing',
        expected: 'a genesis file; --example prints one',
      });
    const number = (name: string, fallback: number): number =>
      wholeNumber(devchainCommand, name, input.value(name), fallback);
    const blockMs = number('block-ms', BLOCK_MS);
    await cryptoReady();
    await using chain = await startDevchain(await readGenesis(file), {
      port: number('port', 0),
      blockMs: blockMs === 0 ? null : blockMs,
      finalityLag: number('finality', FINALITY_LAG),
    });
    const { url, genesisHash } = chain;
    io.out(
      input.flag('json')
        ? `${JSON.stringify({ url, genesisHash })}\n`
        : `${url}\ngenesis ${genesisHash}\n`,
    );
    await showHeads(chain, io);
    return EXIT.ok;
  },
};

/** Until the command is stopped. */
async function showHeads(chain: Devchain, io: Io): Promise<void> {
  const timer = setInterval(() => {
    const { best, finalized } = chain.heads();
    const { open } = chain.connections();
    io.note(
      `block ${best.number} ${best.hash.slice(0, 12)}  final ${finalized.number}  connections ${open}\n`,
    );
  }, HEADS_EVERY_MS);
  try {
    if (!io.signal.aborted) await once(io.signal, 'abort');
  } finally {
    clearInterval(timer);
  }
}
