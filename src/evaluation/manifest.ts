import { z } from 'zod';
import { isAppError } from '../errors.ts';
import { decode } from '../events/ej1.ts';

/** A path of a URL: what a miner writes into it can be neither another host nor a query. */
const UrlPath = z
  .string()
  .regex(/^\/[A-Za-z0-9._~/-]{0,127}$/, 'a path of at most 128 characters [A-Za-z0-9._~/-]');

/** A name that is safe as the value of an environment variable. */
const Label = z.string().regex(/^[A-Za-z0-9._:/@+-]{0,128}$/, 'a name of at most 128 characters');

/** A dotted module, or a file in the archive with no step out of it. */
const EntryModule = z
  .string()
  .regex(
    /^(?!.*(^|\/)\.\.?(\/|$))[A-Za-z0-9_][A-Za-z0-9._/-]{0,127}$/,
    'a module or a relative file name of at most 128 characters',
  );

/**
 * What a submission says about itself (`submission.yaml`, schema 1 of the existing services), of which this is what
 * counts: unknown fields are nobody's business, and what it asks of cpu, memory and port is not followed, because every
 * miner has the same and is told its port. All of it is an attacker's.
 */
export const Manifest = z.looseObject({
  runtime: z
    .looseObject({
      health_path: UrlPath.default('/healthz'),
      invoke_path: UrlPath.default('/v1/agent/infer'),
    })
    .prefault({}),
  inference: z
    .looseObject({
      providers: z.array(Label).max(16).default(['chutes']),
      model: Label.default(''),
    })
    .prefault({}),
  sdk_runtime: z
    .looseObject({
      /** `node` is for development: the process adapter starts the entry module with Node. */
      package_mode: z.enum(['single_file', 'package', 'node']).default('single_file'),
      entry_module: EntryModule.default('app'),
      app_object: z
        .string()
        .regex(/^[A-Za-z_][A-Za-z0-9_]{0,63}$/, 'an identifier')
        .default('app'),
      dependency_group: Label.nullish(),
    })
    .prefault({}),
});
export type Manifest = Readonly<z.infer<typeof Manifest>>;

/** A manifest as the roster has it, or what is wrong with it: then the submission cannot run, by its miner's fault. */
export function readManifest(
  text: string,
): Readonly<{ kind: 'read'; manifest: Manifest }> | Readonly<{ kind: 'unfit'; detail: string }> {
  try {
    const parsed = Manifest.safeParse(decode(text));
    return parsed.success
      ? { kind: 'read', manifest: parsed.data }
      : { kind: 'unfit', detail: z.prettifyError(parsed.error) };
  } catch (error) {
    if (!isAppError(error, 'ej1.malformed')) throw error;
    return { kind: 'unfit', detail: error.message };
  }
}
