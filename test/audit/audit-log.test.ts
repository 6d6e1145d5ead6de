import { expect, test } from 'vitest';
import { auditLog, type Expectations } from '#src/audit/audit-log.ts';
import { blake2b256 } from '#src/chain/blake2b.ts';
import { verifySr25519 } from '#src/chain/hotkey.ts';
import { GENESIS, honestLog, NETUID, noteOf, SELF } from '../support/honest-log.ts';
import { filesOf, sourceOf } from '../support/memory-log.ts';

const DEPS = { verify: verifySr25519, blake2b256 };
const EXPECTED: Expectations = {
  hotkey: SELF.hotkey,
  genesis: GENESIS,
  netuid: NETUID,
  ownerHotkey: null,
  claims: [],
};

test.for(['decentralized', 'shadow'] as const)(
  'an honest log in %s mode is clean',
  async (mode) => {
    const payloads = honestLog({ runs: 3, miners: 4, tasks: 12, mode });
    const verdict = await auditLog(sourceOf(filesOf(payloads, noteOf(payloads))), EXPECTED, DEPS);
    expect(verdict.faults).toEqual([]);
    expect(verdict).toMatchObject({
      size: payloads.length,
      checkpoint: 'verified',
      rulesEndAt: null,
    });
    expect(verdict.rules).toMatchObject({ runs: 3, decisions: 3, sealed: 0 });
  },
);
