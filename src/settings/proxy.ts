import { z } from 'zod';

/** The provider proxy: which models miners reach, and at what price. */
export const proxySettings = {
  EIREL_PROXY_URL: z
    .string()
    .regex(/^https?:\/\/[^/\s]+$/, 'a URL without path')
    .default('http://127.0.0.1:8092')
    .describe('the provider proxy of this validator, as its miners reach it'),
  EIREL_PROVIDERS_FILE: z
    .string()
    .min(1)
    .optional()
    .describe(
      'a JSON file that lists the providers of models: name, URL, file of its key, models (needed by `eirel proxy`)',
    ),
  EIREL_PRICES_FILE: z
    .string()
    .min(1)
    .optional()
    .describe(
      "a JSON file with a price table of one's own; the default is the table of this release",
    ),
};
