import { holdsContract } from "./contract.ts";
import { bijections } from "./registry.ts";

for (const bijection of bijections) holdsContract(bijection);
