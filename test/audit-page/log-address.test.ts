import { expect, test } from 'vitest';
import { logAddress, ownLog } from '#src/audit-page/log-address.ts';

test.each([
  ['https://validator.example/log', 'https://validator.example/log'],
  ['https://validator.example/log/', 'https://validator.example/log'],
  ['https://validator.example/log/checkpoint', 'https://validator.example/log'],
  ['  http://127.0.0.1:8091/log ', 'http://127.0.0.1:8091/log'],
  ['https://mirror.example/eirel/7', 'https://mirror.example/eirel/7'],
  ['https://mirror.example/eirel/7?a=1#b', 'https://mirror.example/eirel/7'],
  ['https://validator.example', 'https://validator.example/log'],
  ['https://validator.example/', 'https://validator.example/log'],
])('%j is the log at %s', (text, address) => {
  expect(logAddress(text)).toBe(address);
});

test.each(['', 'validator.example', 'file:///etc/passwd', 'javascript:alert(1)', '/log', 'data:,'])(
  '%j is no address of a log',
  (text) => {
    expect(logAddress(text)).toBeNull();
  },
);

test('a page has the log of its own server, behind a prefix as well', () => {
  expect(ownLog('https://validator.example/audit')).toBe('https://validator.example/log');
  expect(ownLog('https://host.example/v7/audit?log=x')).toBe('https://host.example/v7/log');
});
