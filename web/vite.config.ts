import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

// Where `npm run dev` finds the API. The proxy keeps the browser's Origin equal to what the API sees as its host.
const target = process.env.BHYPE_API ?? "http://127.0.0.1:8480";

export default defineConfig({
  plugins: [react()],
  build: {
    // noVNC awaits at the top level of a module.
    target: "es2022",
    // data: addresses would need holes in the content security policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    sourcemap: false,
    chunkSizeWarningLimit: 700,
    rollupOptions: {
      output: {
        manualChunks: (id) =>
          /node_modules\/(react|react-dom|scheduler|react-router|react-router-dom|@remix-run|@tanstack)\//.test(id)
            ? "base"
            : undefined,
      },
    },
  },
  server: { proxy: { "/api": { target, ws: true, changeOrigin: true } } },
  test: { include: ["src/**/*.test.ts"], environment: "node" },
});
