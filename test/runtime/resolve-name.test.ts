import { expect, test } from 'vitest';
import { createPeerClient } from '#src/runtime/peer-client.ts';
import { nameResolver } from '#src/runtime/resolve-name.ts';
import { nameServer } from '../support/name-server.ts';

const ADDRESS_6 = '2606:4700:0000:0000:0000:0000:0000:1111';

test('a name has the addresses of both families, and is told where it has none', async () => {
  await using server = await nameServer({
    'both.example': { A: ['93.184.216.34', '93.184.216.35'], AAAA: [ADDRESS_6] },
    'four.example': { A: ['93.184.216.34'] },
    'empty.example': {},
    'none.example': null,
  });
  const lookup = nameResolver([server.address]);
  expect(await lookup('both.example')).toEqual([
    { address: '93.184.216.34' },
    { address: '93.184.216.35' },
    { address: '2606:4700::1111' },
  ]);
  expect(await lookup('four.example')).toEqual([{ address: '93.184.216.34' }]);
  await expect(lookup('empty.example')).rejects.toMatchObject({ code: 'ENODATA' });
  await expect(lookup('none.example')).rejects.toMatchObject({ code: 'ENOTFOUND' });
});

test('names whose servers do not answer hold up no other', async () => {
  await using server = await nameServer({ 'quick.example': { A: ['93.184.216.34'] } });
  const lookup = nameResolver([server.address]);
  const hanging = Array.from({ length: 16 }, (_, n) => lookup(`hanging-${n}.example`));
  const ended = Promise.allSettled(hanging).then(() => 'ended');
  await expect.poll(() => server.asked.length).toBeGreaterThanOrEqual(32);
  expect(await Promise.race([lookup('quick.example'), ended])).toEqual([
    { address: '93.184.216.34' },
  ]);
});

test('a name of this machine is that, and no server is asked for it', async () => {
  await using server = await nameServer({});
  const lookup = nameResolver([server.address]);
  for (const name of ['localhost', 'a.LOCALHOST', 'localhost.'])
    expect(await lookup(name)).toEqual([{ address: '127.0.0.1' }]);
  expect(server.asked).toEqual([]);
});

test('a name that leads into a private network is refused, whatever else it leads to', async () => {
  await using server = await nameServer({
    'mixed.example': { A: ['93.184.216.34', '10.0.0.1'] },
    'inner.example': { AAAA: ['fd00:0000:0000:0000:0000:0000:0000:0001'] },
  });
  const lookup = nameResolver([server.address]);
  await using client = createPeerClient({ allowLoopback: false, lookup });
  for (const name of ['mixed.example', 'inner.example', 'localhost'])
    expect(await client.get(`http://${name}/`)).toMatchObject({
      kind: 'refused',
      reason: 'address-forbidden',
    });
});
