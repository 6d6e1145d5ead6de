import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

import { expect, test } from 'vitest';

import { openCutoff } from '#src/runtime/peer-cutoff.ts';
import { refused } from '#src/runtime/peer-outcome.ts';

import { listen } from '../support/hostile-servers.ts';

test('bytes that lie in the socket count before a time-out that this busy process let pass', async () => {
  const tcp = createServer();
  await using server = await listen(tcp);
  const socket = connect(server.port, '127.0.0.1');
  // safe: a TCP server hands its listeners the connection
  const connection = once(tcp, 'connection') as Promise<[Socket]>;
  const [[far]] = await Promise.all([connection, once(socket, 'connect')]);
  using cutoff = openCutoff();
  const stopTimer = cutoff.cutAfter(1, refused('timeout', 'late'));
  const arrival = new Promise((resolve) => {
    cutoff.onCut(({ reason }) => resolve(reason));
    socket.once('data', () => {
      stopTimer();
      resolve('in time');
    });
  });
  far.write('x');
  blockThisThread(20);
  expect(await arrival).toBe('in time');
});

test('the first cut names the refusal, and each listener hears it once', () => {
  using cutoff = openCutoff();
  const heard: string[] = [];
  cutoff.onCut(({ reason }) => heard.push(reason));
  const forget = cutoff.onCut(() => heard.push('forgotten'));
  forget();
  cutoff.cut(refused('aborted', ''));
  cutoff.cut(refused('timeout', ''));
  cutoff.onCut(({ reason }) => heard.push(`late ${reason}`));
  expect(heard).toEqual(['aborted', 'late aborted']);
  expect(cutoff.refusal()).toMatchObject({ reason: 'aborted' });
});

function blockThisThread(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}
