"""Other processors, as the compiler of loops is told of them."""

from __future__ import annotations

#: Every processor that runs x86-64 code has the first; the others are what compilers call them.
PROCESSORS = {
    "interpreted": {"NUMBA_DISABLE_JIT": "1"},
    "generic": {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": ""},
    "skylake": {"NUMBA_CPU_NAME": "skylake", "NUMBA_CPU_FEATURES": "+avx,+avx2,+fma,+bmi,+bmi2"},
    "znver3": {"NUMBA_CPU_NAME": "znver3", "NUMBA_CPU_FEATURES": "+avx,+avx2,+fma,+bmi,+bmi2"},
    "host": {},
}


def needs_features(features: str) -> bool:
    """Whether this processor has what code for another one would use."""
    import llvmlite.binding as llvm

    own = llvm.get_host_cpu_features()
    return all(own.get(name.lstrip("+"), False) for name in features.split(",") if name)
