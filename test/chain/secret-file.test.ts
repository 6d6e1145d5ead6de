import { expect, test } from 'vitest';
import { isKeptPrivate } from '#src/chain/secret-file.ts';

const US = 10_001;

test('a secret that a cluster mounts for a process that is not root is private: root’s, and one group reads it', () => {
  expect(isKeptPrivate({ mode: 0o100440, uid: 0 }, US)).toBe(true);
  expect(isKeptPrivate({ mode: 0o100640, uid: 0 }, US)).toBe(true);
});

test.each([
  ['written by a group', 0o100460, 0, US],
  ['read by everybody', 0o100444, 0, US],
  ['our own, and read by a group', 0o100440, US, US],
  ['somebody else’s, and read by a group', 0o100440, 7, US],
  ['root’s and read by a group, for root itself', 0o100440, 0, 0],
  ['read by a group, where nobody knows who we are', 0o100440, 0, null],
])('a secret that is %s is not private', (_what, mode, uid, self) => {
  expect(isKeptPrivate({ mode, uid }, self)).toBe(false);
});
