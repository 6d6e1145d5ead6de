import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { axonUrl } from '#src/chain/axon.ts';
import { cryptoReady } from '#src/chain/hotkey.ts';
import { EXIT } from '#src/cli/exit-codes.ts';
import { devSeed, genesisFor, hotkeyOf } from '#src/cli/subnet/cast.ts';
import { type Devchain, startDevchain } from '#src/devchain/devchain.ts';
import { eirelHere, type Finished } from '../support/process-eirel.ts';
import { scratchDirectory } from '../support/scratch-directory.ts';

/** The pallet's limit between two announcements of one hotkey. */
const RATE_LIMIT_BLOCKS = 50;

let dir: string;
let chain: Devchain;
const cleanup = new AsyncDisposableStack();
beforeAll(async () => {
  await cryptoReady();
  dir = cleanup.use(await scratchDirectory()).path;
  const genesis = genesisFor({ v1: 400n });
  chain = cleanup.use(await startDevchain(genesis, { blockMs: 100, finalityLag: 2 }));
});
afterAll(() => cleanup.disposeAsync());

async function serve(name: string, url: string, ...argv: readonly string[]): Promise<Finished> {
  const seed = join(dir, `${name}.seed`);
  await writeFile(seed, devSeed(name), { mode: 0o600 });
  return eirelHere(['axon', 'serve', url, ...argv], {
    EIREL_HOTKEY_SEED_FILE: seed,
    EIREL_CHAIN_ENDPOINTS: chain.url,
    EIREL_CHAIN_GENESIS: chain.genesisHash,
  });
}

/** Where peers find v1, by the newest final state. */
function servedUrl(): string | null {
  const found = chain.stateAt('finalized').neurons.find(({ hotkey }) => hotkey === hotkeyOf('v1'));
  return found?.axon == null ? null : axonUrl(found.axon);
}

const Served = z.strictObject({ url: z.string(), hash: z.string(), block: z.int() });

test('an axon is announced, step by step, and the command ends when that is final', async () => {
  const { code, out, err } = await serve('v1', 'http://203.0.113.7:8787');
  expect(code, err).toBe(EXIT.ok);
  expect(servedUrl()).toBe('http://203.0.113.7:8787');
  expect(out).toMatch(/^http:\/\/203\.0\.113\.7:8787 since block [0-9]+\n$/);
  expect(err).toMatch(
    /^sent: 0x[0-9a-f]{64}\n(included: block [0-9]+, not final yet\n)?final: block [0-9]+\n$/,
  );
});

test('too soon after the last one the chain takes none, which passes', async () => {
  const { code, out, err } = await serve('v1', 'http://203.0.113.8:8787');
  expect({ code, out }).toEqual({ code: EXIT.refused, out: '' });
  expect(err).toContain('chain.refused: rule: ServingRateLimitExceeded');
  expect(err).toMatch(/next: try again in a while\n$/);
  expect(servedUrl()).toBe('http://203.0.113.7:8787');
});

test('an IPv6 address is announced as well, and with --json the extrinsic is named', async () => {
  await chain.produceBlock(RATE_LIMIT_BLOCKS);
  const { code, out, err } = await serve('v1', 'http://[2001:db8::7]:8787', '--json');
  expect(code, err).toBe(EXIT.ok);
  const { url, hash, block } = Served.parse(JSON.parse(out));
  expect(url).toBe('http://[2001:db8::7]:8787');
  expect(servedUrl()).toBe(url);
  expect(chain.findExtrinsic(hash)).toMatchObject({ block, finalized: true, error: null });
});

test('a hotkey without a uid is refused before anything is sent', async () => {
  const { code, out, err } = await serve('stranger', 'http://203.0.113.7:8787');
  expect({ code, out }).toEqual({ code: EXIT.refused, out: '' });
  expect(err).toMatch(/^eirel: chain\.refused: rule: \w*NotRegistered/);
  expect(chain.stateAt('best').nonces.has(hotkeyOf('stranger'))).toBe(false);
});

test.for([
  'https://203.0.113.7:8787',
  'http://example.org:8787',
  'http://203.0.113.7',
  'http://203.0.113.7:0',
  'http://203.0.113.7:65536',
  'http://a:b@203.0.113.7:8787',
  'http://203.0.113.7:8787/v1',
  'http://0.0.0.0:8787',
  'nonsense',
])('%s is no axon, and nothing is sent', async (url) => {
  const nonce = chain.stateAt('best').nonces.get(hotkeyOf('v1'));
  const { code, out, err } = await serve('v1', url);
  expect(out).toBe('');
  expect(err).toContain('http://');
  expect(err).toContain(url);
  expect([EXIT.refused, EXIT.usage]).toContain(code);
  expect(chain.stateAt('best').nonces.get(hotkeyOf('v1'))).toBe(nonce);
});
