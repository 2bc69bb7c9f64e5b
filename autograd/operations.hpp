// All operations.
#pragma once

#include "strata/autograd/arithmetic.hpp"
#include "strata/autograd/elementwise.hpp"
#include "strata/autograd/linear_algebra.hpp"
#include "strata/autograd/normalization.hpp"
#include "strata/autograd/probability.hpp"
#include "strata/autograd/reduce.hpp"
#include "strata/autograd/shape.hpp"
