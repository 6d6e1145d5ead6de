import { z } from 'zod';

/** Who measures what miners do. */
export const executionSettings = {
  EIREL_EXEC_MODE: z
    .enum(['owner', 'local'])
    .default('owner')
    .describe(
      'owner: scores are imported; local: runs are opened by the rosters that EIREL_OWNER_HOTKEY signs, and this validator runs the submissions itself',
    ),
};
