# shellcheck shell=sh
# What `./dev bench` needs beside the packages it names itself; sourced by it. npm brings the libraries of ClickHouse and
# DuckDB.
command -v npm >/dev/null 2>&1 || need_packages npm
