import { z } from 'zod';

type PathKind = { readonly secret: boolean };

/** Which schemas are paths of files: what {@link filePath} and {@link secretPath} made. */
const kinds = z.registry<PathKind>();

/** A path; one that is not absolute is relative to the configuration file. */
export function filePath(): z.ZodString {
  return z.string().min(1, 'the path of a file').register(kinds, { secret: false });
}

/** A path of a file that only its owner may be able to read. */
export function secretPath(): z.ZodString {
  return z.string().min(1, 'the path of a file').register(kinds, { secret: true });
}

/** What kind of path a schema is, or undefined if it is none. */
export function pathKind(schema: z.core.$ZodType): PathKind | undefined {
  return kinds.get(schema as z.ZodString);
}
