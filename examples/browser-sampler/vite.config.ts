import { defineConfig } from "vite";

export default defineConfig({
  base: "./", // the built page works under any address
  appType: "mpa", // a file that a model lacks is then missing, not answered with the page
  worker: { format: "es" },
  build: { chunkSizeWarningLimit: 1000 },
});
