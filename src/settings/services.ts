import { z } from 'zod';

/** What the processes of one validator share: the validator, its ledger, its provider proxy and its tools. */
export const serviceSettings = {
  EIREL_SERVICE_TOKEN_FILE: z
    .string()
    .min(1)
    .optional()
    .describe(
      "a file that holds the bearer token by which the validator's own services know each other; never given to a miner",
    ),
  EIREL_JOB_KEY_FILE: z
    .string()
    .min(1)
    .optional()
    .describe('a file that holds the key of the tokens by which a miner shows what it works on'),
  EIREL_LEDGER_URL: z
    .string()
    .regex(/^https?:\/\/[^/\s]+$/, 'a URL without path')
    .default('http://127.0.0.1:8093')
    .describe('the ledger of this validator'),
};
