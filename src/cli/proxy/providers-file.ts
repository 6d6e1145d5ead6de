import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { AppError } from '../../errors.ts';
import priceTable from '../../evaluation/price-table.json' with { type: 'json' };
import { type PriceTable, readPriceTable } from '../../evaluation/prices.ts';
import type { Provider } from '../../handlers/proxy/provider-port.ts';
import type { ProviderAddress } from '../../runtime/provider-client.ts';

/** A file that an operator writes by hand is smaller. */
const MAX_FILE_BYTES = 4 * 1_024 * 1_024;

const MAX_PROVIDERS = 32;
const Name = z.string().regex(/^[a-z][a-z0-9_-]{0,63}$/, 'a name such as chutes');

const ProvidersFile = z.strictObject({
  providers: z
    .array(
      z.strictObject({
        name: Name,
        url: z.string().regex(/^https?:\/\/[^\s]+$/, 'the URL of its chat completions'),
        /** Beside this file, or absolute; null for a provider that asks for no key. */
        keyFile: z.string().min(1).nullable(),
        models: z.array(z.string().min(1).max(128)).max(1_000).nullable().default(null),
        unpriced: z.boolean().default(false),
      }),
    )
    .min(1)
    .max(MAX_PROVIDERS),
});

/** A provider with its address and key. */
export type ConfiguredProvider = Provider & ProviderAddress;

/** Reads the providers of EIREL_PROVIDERS_FILE with their keys. Throws `config.invalid`, which names file and field. */
export async function readProviders(file: string): Promise<readonly ConfiguredProvider[]> {
  const { providers } = await readJson(file, 'EIREL_PROVIDERS_FILE', ProvidersFile);
  const names = providers.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw invalid(`EIREL_PROVIDERS_FILE: ${file} names ${twice} twice`);
  return Promise.all(
    providers.map(async ({ keyFile, ...provider }) => ({
      ...provider,
      key: keyFile === null ? null : await readKey(resolve(dirname(file), keyFile)),
    })),
  );
}

/** Reads the price table of EIREL_PRICES_FILE; that of this release where none is set. Throws `config.invalid`. */
export async function readPrices(file: string | undefined): Promise<PriceTable> {
  if (file === undefined) return readPriceTable(priceTable);
  const json = await readJson(file, 'EIREL_PRICES_FILE', z.unknown());
  try {
    return readPriceTable(json);
  } catch (cause) {
    if (!(cause instanceof AppError)) throw cause;
    throw invalid(`EIREL_PRICES_FILE: ${file}: ${cause.message}`, cause);
  }
}

async function readJson<T>(file: string, setting: string, schema: z.ZodType<T>): Promise<T> {
  let json: unknown;
  try {
    const text = await readFile(file, 'utf8');
    if (text.length > MAX_FILE_BYTES) throw new RangeError(`more than ${MAX_FILE_BYTES} bytes`);
    json = JSON.parse(text);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw invalid(`${setting}: ${file} can't be read as JSON: ${reason}`, cause);
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  throw invalid(`${setting}: ${file}: ${z.prettifyError(parsed.error)}`, parsed.error);
}

async function readKey(file: string): Promise<string> {
  let key: string;
  try {
    key = (await readFile(file, 'utf8')).trim();
  } catch (cause) {
    throw invalid(`EIREL_PROVIDERS_FILE: the key in ${file} can't be read`, cause);
  }
  if (/^[\x21-\x7e]{1,4096}$/.test(key)) return key;
  throw invalid(`EIREL_PROVIDERS_FILE: ${file} holds no key: printable characters in one line`);
}

function invalid(fault: string, cause?: unknown): AppError {
  return new AppError('config.invalid', { faults: [fault] }, cause === undefined ? {} : { cause });
}
