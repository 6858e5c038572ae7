import { openEngine } from "#engine";
import { describeGolden } from "./vae.ts";

describeGolden(() => openEngine({ engine: "wasm" }));
