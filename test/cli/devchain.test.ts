import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { EXIT } from '#src/cli/exit-codes.ts';
import { until } from '../support/live-until.ts';
import { eirelHere } from '../support/process-eirel.ts';
import { connectRpc } from '../support/rpc-client.ts';
import { scratchDirectory } from '../support/scratch-directory.ts';

/** Runs `eirel devchain` on the genesis that `--example` prints, until it is stopped. */
async function running(...argv: readonly string[]) {
  await using folder = await scratchDirectory();
  const file = join(folder.path, 'genesis.json');
  await writeFile(file, (await eirelHere(['devchain', '--example'])).out);
  const stop = new AbortController();
  const printed: string[] = [];
  const finished = eirelHere(
    ['devchain', '--genesis', file, ...argv],
    {},
    { out: (text) => void printed.push(text), signal: stop.signal },
  );
  const first = await until('its address', () => printed[0]);
  return {
    first,
    stop: async (): Promise<number | null> => {
      stop.abort();
      return (await finished).code;
    },
  };
}

test('the example is a genesis that it starts from, and it runs until it is stopped', async () => {
  const { first, stop } = await running('--block-ms', '5', '--json');
  const { url, genesisHash } = z
    .strictObject({ url: z.string(), genesisHash: z.string() })
    .parse(JSON.parse(first));
  await using client = await connectRpc(url);
  expect((await client.call('chain_getBlockHash', 0))?.result).toBe(`0x${genesisHash}`);
  const heads = (await client.call('chain_subscribeNewHeads'))?.result;
  await until('blocks', () => client.notified(heads).length > 2);
  expect(await stop()).toBe(EXIT.ok);
  expect(await client.closed()).not.toBeNull();
});

test('with a block time of 0 it builds blocks only on demand', async () => {
  const { first, stop } = await running('--block-ms', '0');
  await using client = await connectRpc(/^ws:.*$/m.exec(first)?.[0] ?? '');
  await client.call('dev_produceBlocks', 7);
  expect((await client.call('chain_getHeader'))?.result).toMatchObject({ number: '0x7' });
  expect(await stop()).toBe(EXIT.ok);
});

test('it asks for the genesis file that it needs, and says what it can do', async () => {
  const without = await eirelHere(['devchain']);
  expect(without).toMatchObject({ code: EXIT.usage, err: expect.stringContaining('--example') });
  const lost = await eirelHere(['devchain', '--genesis', 'no-such-file.json']);
  expect(lost).toMatchObject({ code: EXIT.refused, err: expect.stringContaining('no-such-file') });
  const { out } = await eirelHere(['devchain', '--help']);
  expect(out).toContain('dev_reorg depth');
});
