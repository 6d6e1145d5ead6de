import { expect, test } from 'vitest';
import { startApp } from './client.ts';
import { fakeValidator } from './fake-validator.ts';

const PATH = '/v1/consensus/divergence';

test('the window goes to the summary as a number, 20 runs without one', async () => {
  await using app = await startApp(fakeValidator());
  for (const [query, window] of [
    ['', 20],
    ['?window=1', 1],
    ['?window=1000', 1_000],
  ] as const) {
    expect((await app.ask(PATH + query)).json()).toMatchObject({ body: `{"window":${window}}` });
  }
});

test('a window that is not a plain whole number within its bounds is refused', async () => {
  await using app = await startApp(fakeValidator());
  for (const window of [
    '',
    '0',
    '-1',
    '1001',
    '1.5',
    '1e2',
    '0x10',
    '+5',
    '%205',
    '07',
    'NaN',
    '9'.repeat(400),
  ]) {
    const reply = await app.ask(`${PATH}?window=${window}`);
    expect([window, reply.status]).toEqual([window, 400]);
    expect(reply.json()).toMatchObject({
      field: 'window',
      expected: 'a whole number from 1 to 1000',
    });
  }
});

test('a family without a compared run is 404', async () => {
  await using app = await startApp(fakeValidator());
  const reply = await app.ask(`${PATH}?family=deep_research`);
  expect(reply.json()).toMatchObject({ status: 404, field: 'family', reason: 'none-yet' });
});
