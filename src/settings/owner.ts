import { z } from 'zod';
import { MAX_ARCHIVE_BYTES } from '../evaluation/roster.ts';
import { Ss58 } from '../events/scalars.ts';

const Count = z.coerce.number({
  error: ({ code }) => (code === 'invalid_type' ? 'a number' : undefined),
});

/** What the subnet's owner sets for its service, and what validators know of the owner. */
export const ownerSettings = {
  EIREL_OWNER_HOTKEY: Ss58.optional().describe(
    'the hotkey of the subnet owner: rosters that anybody else signed are refused',
  ),
  EIREL_OWNER_PUBLIC_URL: z
    .string()
    .regex(/^https?:\/\/[^/\s]+$/, 'a URL without path')
    .optional()
    .describe('where others reach `eirel owner`; by default the address that it listens on'),
  EIREL_OWNER_MAX_ARCHIVE_BYTES: Count.int()
    .min(1)
    .max(MAX_ARCHIVE_BYTES)
    .default(MAX_ARCHIVE_BYTES)
    .describe('the largest archive that `eirel owner` takes from a miner'),
  EIREL_OWNER_SUBMISSIONS_PER_HOTKEY: Count.int()
    .min(1)
    .max(1_000)
    .default(2)
    .describe('how many archives `eirel owner` takes from one hotkey, ever'),
  EIREL_OWNER_LEASE_SECONDS: Count.int()
    .min(10)
    .max(86_400)
    .default(900)
    .describe('how long `eirel owner` leaves a task to a validator that claimed it'),
  EIREL_OWNER_DISABLE_RUNTIME_RECONCILE: z
    .enum(['on', 'off', 'true', 'false', '1', '0'])
    .default('on')
    .describe(
      'taken for the existing deployments that set it, and without effect: `eirel owner` hosts no runtimes at all',
    ),
};
