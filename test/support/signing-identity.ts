import { sha256 } from '#src/events/hash.ts';
import type { SigningIdentity } from '#src/runtime/signing-schema.ts';

/** The identity whose signing database the tests open. */
export const IDENTITY: SigningIdentity = {
  genesis: sha256('genesis'),
  netuid: 36,
  hotkey: '5DfhGyQdFobKM8NsWvEeAKk5EQQgYe9AydgJ7rMB6E1EqRzV',
};
