import type { Engine } from "../runtime/engine.ts";
import type { SystemPicture } from "./row.ts";
export async function moonsPicture(_engine: Engine): Promise<readonly SystemPicture[]> { return []; }
